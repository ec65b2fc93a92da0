/** Which variables of an environment hold secrets: by their names alone, for nothing else tells. */
import { isLike } from "./like.ts";

/** Where no policy says otherwise: what programs of many kinds call what lets somebody in. */
export const usualSecretNames: readonly string[] = [
  ...["TOKEN", "*_TOKEN", "*AUTHTOKEN", "SECRET", "*_SECRET", "*_SECRET_KEY", "*_SECRET_ACCESS_KEY", "*_PRIVATE_KEY"],
  ...["PASSWORD", "*_PASSWORD", "*_PASSWD", "*_PASS", "PGPASSWORD", "MYSQL_PWD", "*_PASSPHRASE"],
  ...["API_KEY", "*_API_KEY", "*_APIKEY", "*_ACCESS_KEY", "*_CREDENTIAL", "*_CREDENTIALS_JSON", "*DATABASE_URL"],
];

/** In whatever letters. */
export function isSecretName(names: readonly string[], name: string): boolean {
  const upper = name.toUpperCase();
  return names.some((like) => isLike(like.toUpperCase(), upper));
}
