/** Why `npm start` cannot go on, said in one sentence for whoever ran it. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}
