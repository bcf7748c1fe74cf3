import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";

/** A Cloudflare Access application in front of the gateway. */
export interface AccessApplication {
  /** "https://<team>.cloudflareaccess.com" */
  readonly issuer: string;
  readonly audience: string;
}

/** Header in which Access hands over who signed in. */
export const accessHeader = "cf-access-jwt-assertion";

/** The public keys of a team, fetched when first needed and again when they rotate. */
export function accessKeys({ issuer }: AccessApplication): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`));
}

/**
 * Who an Access token names: the e-mail of a person, or the name of a service token. Undefined when the token is not good
 * for this application. Throws when the keys cannot be fetched.
 */
export async function verifyAccess(
  token: string,
  application: AccessApplication,
  keys: JWTVerifyGetKey,
): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      ...application,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "iat"],
    });
    const names = [payload.email, payload.common_name];
    return names.find((name): name is string => typeof name === "string" && name !== "" && name.length <= 256);
  } catch (error) {
    const isOurFault = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError);
    if (isOurFault) throw error;
    return undefined;
  }
}
