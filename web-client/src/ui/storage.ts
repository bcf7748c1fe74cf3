/** The part of the browser's storage that the page uses. */
export type TextStorage = Pick<Storage, "getItem" | "setItem">;

/** A named cell of the browser's storage. */
export interface Stored {
  readonly read: () => string | null;
  readonly write: (text: string) => void;
}

/** One named cell of a storage. A browser that refuses storage gets a page that does not remember. */
export function stored(storage: () => TextStorage, name: string): Stored {
  return {
    read: () => attempt(() => storage().getItem(name)) ?? null,
    write: (text) => attempt(() => storage().setItem(name, text)),
  };
}

/** A storage that is gone with the page. */
export function createMemoryStorage(): TextStorage {
  const cells = new Map<string, string>();
  return {
    getItem: (name) => cells.get(name) ?? null,
    setItem: (name, text) => {
      cells.set(name, text);
    },
  };
}

function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    // Storage is off or full; what it would have kept is a convenience only.
    return undefined;
  }
}
