import { expect, test } from "vitest";
import { secretValues } from "./secret-values.ts";

test("variables and headers are secret by the end of their name", () => {
  const secret = [
    "NPM_TOKEN",
    "token",
    "DB_PASSWORD",
    "dbPasswd",
    "CLIENT_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "X-Api-Key",
  ];
  const more = ["SSH_PRIVATE_KEY", "GOOGLE_CREDENTIALS", "Authorization", "Cookie", "DJANGO_SECRET_KEY"];
  const open = ["MAX_TOKENS", "TOKEN_FILE", "KEY", "CACHE_KEY", "PATH", "PASSWORD_MIN_LENGTH"];
  const named = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
  expect(secretValues(named([...secret, ...open, ...more]))).toEqual(
    [...secret, ...more].map((name) => `value of ${name}`),
  );
});
