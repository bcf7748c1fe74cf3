/** Saves what a path of the gateway answers, as a link with the caller's key would if links could carry one. */
export async function downloadWithKey(path: string, apiKey: string): Promise<void> {
  const response = await fetch(path, { headers: { authorization: `Bearer ${apiKey}` } });
  if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "usage.csv";
  link.click();
  URL.revokeObjectURL(url);
}
