import type { Server, Socket } from "node:net";

/** Where the jobs of one supervisor knock for the network, one job after the other. Between them nobody is there. */
export class EgressDoor {
  #accept: ((client: Socket) => void) | undefined;

  /** The server is the one behind the port where a box finds its proxy. */
  constructor(server: Server) {
    server.on("connection", (client: Socket) => {
      if (this.#accept === undefined) client.destroy();
      else this.#accept(client);
    });
  }

  /** Says who takes connections from now on. */
  serve(accept: (client: Socket) => void): void {
    this.#accept = accept;
  }

  /** Nobody is there any more. */
  shut(): void {
    this.#accept = undefined;
  }
}
