/** Version of the runner. */
export const version = "1.0.0";
