/** Secret references → secrets, inside activities only. `env:NAME` and `file:/path`; the clouds' stores come later. */
import { readFile, realpath } from 'node:fs/promises'
import { isAbsolute, normalize, sep } from 'node:path'
import { failure } from '../contracts/failures'
import type { SecretRef } from '../contracts/fleet'

/** The worker's own credentials: whoever writes a fleet file must not be able to send them to a host of theirs. */
const OURS = /^(CAPSTAN|TEMPORAL|AWS|AZURE|GOOGLE|PG)/

/** `folder`: the only one that files may come from, so that a fleet file reaches none of the worker's own; null: any. */
export function createSecretResolver(
  env: Readonly<Record<string, string | undefined>>,
  folder: string | null,
): (ref: SecretRef) => Promise<string> {
  return async (ref) => {
    const [scheme, name] = split(ref)
    if (scheme === 'env') {
      if (OURS.test(name)) {
        throw failure(
          'SECRET_UNRESOLVED',
          `Secret ${ref} names a variable of the control plane itself; a fleet file may not have it.`,
          { reference: ref },
        )
      }
      const value = env[name]
      if (value) return value
      throw failure('SECRET_UNRESOLVED', `Secret ${ref} is empty: the worker's environment has no variable ${name}.`, {
        reference: ref,
      })
    }
    if (scheme === 'file') {
      if (/^\/(proc|sys|dev)(\/|$)/.test(normalize(name)) || !isAbsolute(name)) {
        throw failure('SECRET_UNRESOLVED', `Secret ${ref} is no file of secrets; name one by its whole path.`, { reference: ref })
      }
      let file: string
      try {
        // Links are followed first: what counts is where the file really is.
        file = await realpath(name)
        if (folder === null || file.startsWith((await realpath(folder)) + sep)) return (await readFile(file, 'utf8')).trimEnd()
      } catch (cause) {
        throw failure('SECRET_UNRESOLVED', `Secret ${ref} cannot be read by the worker.`, { reference: ref }, { cause })
      }
      throw failure('SECRET_UNRESOLVED', `Secret ${ref} lies outside ${folder}, where this worker's secrets of databases are.`, {
        reference: ref,
      })
    }
    throw failure('SECRET_UNRESOLVED', `Secret ${ref} has an unknown scheme; use env:NAME or file:/path.`, { reference: ref })
  }
}

function split(ref: SecretRef): [string, string] {
  const colon = ref.indexOf(':')
  return [ref.slice(0, colon), ref.slice(colon + 1)]
}
