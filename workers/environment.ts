/** Reads single variables of the environment. Whatever may be secret can be given as a file: NAME_FILE names it, and its content is the
 *  value, as container platforms mount secrets. An empty variable counts as not set. No message repeats a value that may be secret. */
import { readFileSync } from 'node:fs'
import { types } from 'node:util'
import { failure } from '../contracts/failures'

export type Environment = Readonly<Record<string, string | undefined>>

/** `NAME`, or the content of the file that `NAME_FILE` names; null when neither is set. Fails with OPTION_INVALID when both are, or when
 *  the file cannot be read or is empty. */
export function optional(env: Environment, name: string): string | null {
  const value = env[name] || null
  const file = env[`${name}_FILE`] || null
  if (file === null) return value
  if (value !== null) {
    throw failure('OPTION_INVALID', `${name} and ${name}_FILE are both set; keep one of them.`, { variable: name })
  }
  const content = contentOf(`${name}_FILE`, file).trimEnd()
  if (content !== '') return content
  throw failure('OPTION_INVALID', `${name}_FILE names ${file}, which is empty.`, { variable: name })
}

export function required(env: Environment, name: string, whoNeedsIt: string): string {
  const value = optional(env, name)
  if (value !== null) return value
  const message = `Neither ${name} nor ${name}_FILE is set; ${whoNeedsIt} needs one of them.`
  throw failure('OPTION_INVALID', message, { variable: name })
}

export function milliseconds(env: Environment, name: string, otherwise: number): number {
  const value = env[name]
  if (value === undefined || value === '') return otherwise
  const parsed = Number(value)
  if (!Number.isInteger(parsed) || parsed <= 0) {
    throw failure('OPTION_INVALID', `${name} is ${value}; it has to be a whole number of milliseconds above 0.`, {
      variable: name,
    })
  }
  return parsed
}

/** One of a few words. */
export function choice<T extends string>(env: Environment, name: string, words: readonly T[], otherwise: T): T {
  const value = env[name] || otherwise
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw failure('OPTION_INVALID', `${name} is ${value}; it has to be one of ${words.join(', ')}.`, { variable: name })
}

/** Fails with OPTION_INVALID when the file that `variable` names cannot be read. */
export function contentOf(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `${variable} names ${file}, which cannot be read (${errorCode(cause)}): check that it is there, and its mode.`
    throw failure('OPTION_INVALID', message, { variable }, { cause })
  }
}

/** Like ENOENT. */
export function errorCode(error: unknown): string {
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : 'no reason given'
}
