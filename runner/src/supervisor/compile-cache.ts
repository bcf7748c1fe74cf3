/** Where supervisors keep compiled code for those that start later, in the data directory. */
export const compileCache = "compile-cache";
