import type { AttachedFiles } from "./executor.ts";

/** The prompt of an agent with a note that says where its attachments are, if it has any. */
export function withAttachmentNote(prompt: string, attachments: AttachedFiles | undefined): string {
  if (attachments === undefined) return prompt;
  const files = attachments.names.map((name) => `- ${attachments.directory}/${name}`);
  return `${prompt}\n\nFiles attached to this message, to be read only:\n${files.join("\n")}\n`;
}
