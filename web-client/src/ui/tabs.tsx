import type { ComponentChildren } from "preact";

/** One tab and what it opens. */
export interface Tab<Id extends string> {
  readonly id: Id;
  readonly title: ComponentChildren;
}

/** A row of tabs; arrows, Home and End move between them. The panel is drawn by the caller with tabPanelProps. */
export function Tabs<Id extends string>(props: {
  readonly name: string;
  readonly label: string;
  readonly tabs: readonly Tab<Id>[];
  readonly open: Id;
  readonly onOpen: (id: Id) => void;
}) {
  const move = (event: KeyboardEvent) => {
    const at = props.tabs.findIndex((tab) => tab.id === props.open);
    const last = props.tabs.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    const tab = to === undefined ? undefined : props.tabs.at(to > last ? 0 : to);
    if (!tab) return;
    event.preventDefault();
    props.onOpen(tab.id);
    document.getElementById(tabId(props.name, tab.id))?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} onKeyDown={move}>
      {props.tabs.map((tab) => (
        <button
          key={tab.id}
          id={tabId(props.name, tab.id)}
          type="button"
          role="tab"
          class="tab"
          aria-selected={tab.id === props.open}
          aria-controls={panelId(props.name, tab.id)}
          tabIndex={tab.id === props.open ? 0 : -1}
          onClick={() => props.onOpen(tab.id)}
        >
          {tab.title}
        </button>
      ))}
    </div>
  );
}

/** The attributes of the panel that a tab opens. */
export function tabPanelProps(name: string, id: string) {
  return { id: panelId(name, id), role: "tabpanel", "aria-labelledby": tabId(name, id) } as const;
}

function tabId(name: string, id: string): string {
  return `${name}-tab-${id}`;
}

function panelId(name: string, id: string): string {
  return `${name}-panel-${id}`;
}
