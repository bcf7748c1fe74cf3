import type { Command } from "./commands.ts";

/** The commands as a card of buttons, each with its key. */
export function CommandCard(props: {
  readonly commands: readonly Command[];
  /** The key that runs a command, by its id; empty when none does. */
  readonly keyFor: (id: string) => string;
  readonly failure: string;
}) {
  return (
    <>
      <div class="commands">
        {props.commands.map((command) => (
          <CommandButton key={command.id} command={command} shownKey={props.keyFor(command.id)} />
        ))}
      </div>
      {props.failure && <p class="refusal">{props.failure}</p>}
    </>
  );
}

function CommandButton({ command, shownKey }: { readonly command: Command; readonly shownKey: string }) {
  return (
    <button
      type="button"
      class={command.isArmed ? "command is-armed" : "command"}
      disabled={!command.isEnabled}
      aria-keyshortcuts={shownKey || undefined}
      onClick={command.run}
    >
      <span class="command-glyph" aria-hidden="true">
        {command.glyph}
      </span>
      <span class="command-title">{command.title}</span>
      {shownKey && (
        <span class="keycap" aria-hidden="true">
          {shownKey.replace("Shift+", "⇧")}
        </span>
      )}
    </button>
  );
}
