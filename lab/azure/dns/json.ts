/** JSON that was sent, and may be anything. */
export type Json = unknown

/** Undefined for anything else than an object. */
export function object(value: Json): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}
