import { create, type DescMethod, type DescService, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl, type Transport } from "@connectrpc/connect";
import type { Line } from "./line.ts";

/** What a service of the demo gets of a call. */
type Context = Pick<HandlerContext, "signal">;
type Rpc = (request: Message, context: Context) => unknown;
type Init = MessageInitShape<DescMethod["output"]>;

/** A service, and what answers its calls. */
export type Route = readonly [service: DescService, answers: Partial<ServiceImpl<DescService>>];

/**
 * A transport that ends in this page. Connect's own one for that brings the half of Connect that serves, much of it into
 * the part of the page that everybody loads.
 */
export function createInPageTransport(routes: readonly Route[], line: Line): Transport {
  const find = (method: DescMethod): Rpc => {
    const answers = routes.find(([service]) => service.typeName === method.parent.typeName)?.[1];
    const rpc = answers?.[method.localName];
    if (!rpc) throw new ConnectError(`${method.name} is not part of the demo`, Code.Unimplemented);
    return rpc as Rpc;
  };
  const head = (method: DescMethod) => ({ service: method.parent, header: new Headers(), trailer: new Headers() });
  return {
    async unary(method, signal, timeoutMs, _header, input) {
      const wait = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
      const stop = AbortSignal.any([signal, wait].filter((each) => each !== undefined));
      await line.pass(stop);
      const answer = (await find(method)(create(method.input, input), { signal: stop })) as Init;
      return { ...head(method), stream: false, method, message: create(method.output, answer as never) };
    },
    async stream(method, signal = new AbortController().signal, _timeoutMs, _header, input) {
      await line.pass(signal);
      const [request] = await Array.fromAsync(input);
      const messages = find(method)(create(method.input, request), { signal }) as AsyncIterable<Init>;
      const made = map(messages, (init) => create(method.output, init as never));
      return { ...head(method), stream: true, method, message: line.carry(made, signal) };
    },
  };
}

async function* map<A, B>(items: AsyncIterable<A>, change: (item: A) => B): AsyncGenerator<B> {
  for await (const item of items) yield change(item);
}
