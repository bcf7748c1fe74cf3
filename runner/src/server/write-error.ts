import type { ServerResponse } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import {
  codeToHttpStatus,
  contentTypeStreamProto,
  contentTypeUnaryJson,
  endStreamToJson,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { connectEndFlag, encodeEnvelope } from "#protocol/envelope.ts";

/** Answers an RPC with an error in the form that its caller reads: inside the stream, or as the whole response. */
export function writeConnectError(response: ServerResponse, contentType: string, error: ConnectError): void {
  if (contentType.startsWith("application/connect+")) {
    response.writeHead(200, { "content-type": contentTypeStreamProto });
    response.end(endOfStream(error));
  } else {
    response.writeHead(codeToHttpStatus(error.code), { "content-type": contentTypeUnaryJson });
    response.end(errorToJsonBytes(error, undefined));
  }
}

/** The last envelope of a Connect stream. */
export function endOfStream(error?: ConnectError): Uint8Array {
  const json = JSON.stringify(endStreamToJson(new Headers(), error, undefined));
  return encodeEnvelope(connectEndFlag, new TextEncoder().encode(json));
}
