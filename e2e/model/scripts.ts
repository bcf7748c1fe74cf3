import { inOrder, type Script, type Turns } from "./script.ts";
import { answer, type Block, rateLimited, type Turn, text, thinking, toolUse } from "./turn.ts";

/** The scripts that can be played by name, each of them in any workspace. */
export const scripts = {
  hello: [answer([text("Hello from the scripted model.")])],
  thinking: [answer([thinking("The user greets me. A short greeting will do."), text("Hello, after some thought.")])],
  edit: [
    answer([text("I will make a note."), bash("printf 'one\\ntwo\\n' > notes.txt", "Make a note")]),
    answer([toolUse("Read", { file_path: "notes.txt" })]),
    answer([toolUse("Edit", { file_path: "notes.txt", old_string: "two", new_string: "TWO" })]),
    answer([bash("cat notes.txt", "Show the note")]),
    answer([text("The note says TWO now.")]),
  ],
  parallel: [
    answer([bash("echo first", "First"), bash("echo second", "Second"), bash("exit 3", "Third, which fails")]),
    answer([text("Two of three worked.")]),
  ],
  plan: [
    answer([toolUse("TodoWrite", { todos: [todo("Read it", "in_progress"), todo("Mend it", "pending")] })]),
    answer([toolUse("TodoWrite", { todos: [todo("Read it", "completed"), todo("Mend it", "in_progress")] })]),
    answer([toolUse("TodoWrite", { todos: [todo("Read it", "completed"), todo("Mend it", "completed")] })]),
    answer([text("Both are done.")]),
  ],
  subagent: {
    main: [
      answer([
        text("I will send a scout."),
        toolUse("Agent", {
          description: "Look around",
          prompt: "List the files here",
          subagent_type: "general-purpose",
          run_in_background: false,
        }),
      ]),
      answer([text("The scout is back.")]),
    ],
    subagent: [answer([text("Looking."), bash("ls", "List the files")]), answer([text("I saw the files.")])],
  },
  "rate-limited": [rateLimited(1), answer([text("Hello, after the limit.")])],
} satisfies Record<string, readonly Turn[] | Turns>;

/** A script by its name, or undefined. */
export function scriptNamed(name: string): Script | undefined {
  const found = Object.entries(scripts).find(([key]) => key === name)?.[1];
  return found === undefined ? undefined : inOrder("main" in found ? found : { main: found, subagent: [] });
}

function bash(command: string, description: string): Block {
  return toolUse("Bash", { command, description });
}

function todo(content: string, status: "pending" | "in_progress" | "completed"): object {
  return { content, status, activeForm: `${content} (now)` };
}
