/** What to save, and as what. */
export interface Download {
  readonly path: string;
  readonly fileName: string;
  /** Media type asked for, where a path has several. */
  readonly accept?: string;
}

/** Saves what a path of the gateway answers, as a link with the caller's key would if links could carry one. */
export async function downloadWithKey({ path, fileName, accept }: Download, apiKey: string): Promise<void> {
  const headers = { ...(apiKey && { authorization: `Bearer ${apiKey}` }), ...(accept && { accept }) };
  const response = await fetch(path, { headers });
  if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? fileName;
  link.click();
  URL.revokeObjectURL(url);
}
