/** How refusals read, as sendRaw describes them. */

/** A request that is malformed as a whole. */
export const malformed = "400 invalid_argument malformed_request";

/** A request of which one field is wrong. */
export function invalid(field: string): string {
  return `400 invalid_argument invalid_field ${field}`;
}
