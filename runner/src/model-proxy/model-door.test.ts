import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ModelDoor } from "./model-door.ts";

let directory: string;
let door: ModelDoor;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-door-`);
  door = new ModelDoor({ socketPath: `${directory}/model.sock`, share: () => undefined, port: undefined });
});
afterEach(() => {
  door.close();
  rmSync(directory, { recursive: true });
});

function knock(token: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${directory}/model.sock`, headers: { "x-api-key": token } };
    request(options, (response) => resolve(response.resume().statusCode))
      .once("error", reject)
      .end();
  });
}

test("a door that is open before its job lets nobody through until somebody answers", async () => {
  await door.open("socket");
  expect(await knock(door.token)).toBe(503);
  door.serve(async (_, response) => void response.end());
  expect(await knock(door.token)).toBe(200);
  expect(await knock("another")).toBe(401);
});

test("a closed door leaves nothing, and may be closed again", async () => {
  await door.open("socket");
  door.close();
  expect(existsSync(`${directory}/model.sock`)).toBe(false);
  await expect(knock(door.token)).rejects.toThrow();
  door.close();
});
