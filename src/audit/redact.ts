/** Arguments with their secrets masked (cli.md §2). */
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import { isSecretName, maskText, REDACTED } from './secrets.ts';

/** The same object where nothing has to be masked, else a copy with `"[redacted]"` in the place of secrets. */
export function redact(object: JsonObject): JsonObject {
  let copy: Map<string, Json> | undefined;
  const labelled = isLabelled(object);
  for (const [name, value] of object) {
    const safe = redactMember(name, value, labelled);
    if (safe === value) continue;
    copy ??= new Map(object);
    copy.set(name, safe);
  }
  return copy ?? object;
}

function redactMember(name: string, value: Json, labelled: boolean): Json {
  const secret = isSecretName(name, isNumber(value)) || (labelled && name.toLowerCase() === 'value');
  return secret && holdsSecret(value) ? REDACTED : redactValue(value);
}

/** `null`, `true` and `""` under a secret name tell that there is none, or whether there is one. */
function holdsSecret(value: Json): boolean {
  return value !== null && typeof value !== 'boolean' && value !== '';
}

function redactValue(value: Json): Json {
  if (typeof value === 'string') return maskText(value);
  if (isArray(value)) return redactArray(value);
  return isObject(value) ? redact(value) : value;
}

/** Command lines are arrays too: what follows `--password` is one. */
function redactArray(values: readonly Json[]): readonly Json[] {
  let changed = false;
  const safe = values.map((value, i) => {
    const masked = isSecretFlag(values[i - 1]) && typeof value === 'string' ? REDACTED : redactValue(value);
    changed ||= masked !== value;
    return masked;
  });
  return changed ? safe : values;
}

function isSecretFlag(value: Json | undefined): boolean {
  return typeof value === 'string' && value.startsWith('--') && value.length < 64 && !value.includes('=') && isSecretName(value);
}

/** `{name: "Authorization", value: …}`, as headers and environment variables are often given. */
function isLabelled(object: JsonObject): boolean {
  if (object.size < 2) return false;
  for (const key of ['name', 'key', 'Name', 'Key']) {
    const label = object.get(key);
    if (typeof label === 'string' && label.length <= 128 && isSecretName(label)) return true;
  }
  return false;
}
