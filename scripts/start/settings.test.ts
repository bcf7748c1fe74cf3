import { describe, expect, test } from "vitest";
import { parseSettings } from "./settings.ts";

describe("parseSettings", () => {
  test("has a default for everything", () => {
    expect(parseSettings([], {}, "/clone")).toEqual({
      runnerPort: 8787,
      gatewayPort: 8788,
      grpc: { port: 8789, mayMove: true },
      stateFolder: "/clone/.blazecraft",
      isolation: undefined,
      once: false,
    });
  });

  test("takes what is asked for, and does not move a gRPC port that was named", () => {
    const variables = { PORT: "9001", GATEWAY_PORT: "9002", GRPC_PORT: "9003", BLAZECRAFT_STATE_DIR: "/state" };
    expect(parseSettings(["--once"], variables, "/clone")).toMatchObject({
      runnerPort: 9001,
      gatewayPort: 9002,
      grpc: { port: 9003, mayMove: false },
      stateFolder: "/state",
      once: true,
    });
  });

  test("takes an empty variable for an unset one", () => {
    expect(parseSettings([], { PORT: "", GRPC_PORT: "" }, "/clone")).toMatchObject({
      runnerPort: 8787,
      grpc: { mayMove: true },
    });
  });

  test("names everything wrong at once", () => {
    expect(() => parseSettings(["--onec"], { PORT: "http", GATEWAY_PORT: "70000" }, "/clone")).toThrow(
      'unknown argument "--onec" (there is --once); PORT is "http", which is no port from 1 to 65535; ' +
        'GATEWAY_PORT is "70000", which is no port from 1 to 65535',
    );
  });

  test("refuses one port for two parts", () => {
    expect(() => parseSettings([], { PORT: "8788" }, "/clone")).toThrow("PORT and GATEWAY_PORT are both 8788");
  });
});
