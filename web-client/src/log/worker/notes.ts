import type { NoteTone } from "../log-row.ts";

/** A note between the lines. */
export interface Note {
  readonly tone: NoteTone;
  readonly text: string;
  readonly timeMs: number;
}

/** Most characters of notes that are held; tools say more than that in their transcript. */
const maxCharacters = 16 * 1024 * 1024;

/** The notes of a log, in order. */
export class Notes {
  readonly #notes: Note[] = [];
  #characters = 0;

  /** How many there are. */
  get count(): number {
    return this.#notes.length;
  }

  /** The note of a negative item. */
  at(item: number): Note | undefined {
    return this.#notes[-item - 1];
  }

  /** Adds a note; its text is left out once all of them are too long. */
  add(note: Note): void {
    this.#characters += note.text.length;
    this.#notes.push(
      this.#characters > maxCharacters ? { ...note, text: "… not held here: see the transcript" } : note,
    );
  }

  /** Writes a note anew, such as that of a tool that is done. */
  replace(item: number, note: Note): void {
    this.#notes[-item - 1] = note;
  }
}
