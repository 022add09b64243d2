/** Reads variables of the environment that may be secret. NAME_FILE names a file whose content is the value, as container platforms mount
 *  secrets. An empty variable counts as not set. No message repeats a value. Workers have the same in a room that doors do not import. */
import { readFileSync } from 'node:fs'
import { types } from 'node:util'
import { failure } from '../contracts/failures'

export type Environment = Readonly<Record<string, string | undefined>>

/** `NAME`, or the content of the file that `NAME_FILE` names; null when neither is set. Fails with OPTION_INVALID when both are, or when
 *  the file cannot be read or is empty. */
export function secretVariable(env: Environment, name: string): string | null {
  const value = env[name] || null
  const file = env[`${name}_FILE`] || null
  if (file === null) return value
  if (value !== null) {
    throw failure('OPTION_INVALID', `${name} and ${name}_FILE are both set; keep one of them.`, { variable: name })
  }
  const content = contentOf(`${name}_FILE`, file).trimEnd()
  if (content !== '') return content
  throw failure('OPTION_INVALID', `${name}_FILE names ${file}, which is empty.`, { variable: `${name}_FILE` })
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
