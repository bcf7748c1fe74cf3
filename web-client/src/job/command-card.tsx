import type { Command } from "./commands.ts";

/** The commands as a card of buttons, each with its key. */
export function CommandCard({
  commands,
  failure,
}: {
  readonly commands: readonly Command[];
  readonly failure: string;
}) {
  return (
    <>
      <div class="commands">
        {commands.map((command) => (
          <button
            key={command.id}
            type="button"
            class={command.isArmed ? "command is-armed" : "command"}
            disabled={!command.isEnabled}
            aria-keyshortcuts={command.key || undefined}
            onClick={command.run}
          >
            <span class="command-glyph" aria-hidden="true">
              {command.glyph}
            </span>
            <span class="command-title">{command.title}</span>
            {command.key && (
              <span class="keycap" aria-hidden="true">
                {command.key}
              </span>
            )}
          </button>
        ))}
      </div>
      {failure && <p class="refusal">{failure}</p>}
    </>
  );
}
