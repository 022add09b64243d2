/** Secret references → passwords of databases, in whatever process connects: a worker's activities, or a command that looks by itself.
 *  `env:NAME` and `file:/path`; the clouds' stores come later. What is not allowed by that process's configuration is refused: whoever writes
 *  a fleet file must not be able to send other secrets of it to a host of theirs. */
import { readFile, realpath } from 'node:fs/promises'
import { isAbsolute, sep } from 'node:path'
import { type Failure, failure } from '../../contracts/failures'
import type { SecretRef } from '../../contracts/fleet'

/** Our own credentials: no configuration can allow them. */
const OURS = /^(CAPSTAN|TEMPORAL|AWS|AZURE|GOOGLE|PG)/
/** A file system in memory is as good a place for secrets as a disk. */
const NO_SECRETS = /^\/(proc|sys|dev(?!\/shm\/))(\/|$)/

/** What references may lead to. */
export interface SecretAccess {
  /** Names of variables; one that ends with an underscore stands for all that begin with it. */
  readonly variables: readonly string[]
  /** Null: no file. */
  readonly folder: string | null
}

/** Fails with OPTION_INVALID for what is no name, or one of the control plane's own. */
export function readSecretVariables(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  for (const name of names) {
    const variable = 'CAPSTAN_SECRET_VARIABLES'
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
      const wanted = 'names of variables with commas between; SHOP_ stands for all that begin with it'
      throw failure('OPTION_INVALID', `${variable} holds "${name}"; it has to be ${wanted}.`, { variable })
    }
    if (OURS.test(name)) {
      const message = `${variable} names ${name}, which is the control plane's own; no fleet file may have that.`
      throw failure('OPTION_INVALID', message, { variable })
    }
  }
  return names
}

/** Who reads: for the sentences. */
export type SecretReader = 'worker' | 'command'

export function createSecretResolver(
  env: Readonly<Record<string, string | undefined>>,
  { variables, folder }: SecretAccess,
  reader: SecretReader = 'worker',
): (ref: SecretRef) => Promise<string> {
  return async (ref) => {
    const [scheme, name] = split(ref)
    if (scheme === 'env') return fromEnvironment(ref, name, { env, allowed: variables, reader })
    if (scheme === 'file') return fromFile(ref, name, { folder, reader })
    throw unresolved(ref, 'has an unknown scheme; use env:NAME or file:/path.')
  }
}

function fromEnvironment(
  ref: SecretRef,
  name: string,
  {
    env,
    allowed,
    reader,
  }: { env: Readonly<Record<string, string | undefined>>; allowed: readonly string[]; reader: SecretReader },
): string {
  if (OURS.test(name)) throw unresolved(ref, 'names a variable of the control plane itself; a fleet file may not have it.')
  if (!allowed.some((word) => name === word || (word.endsWith('_') && name.startsWith(word)))) {
    throw unresolved(ref, `names a variable that CAPSTAN_SECRET_VARIABLES of this ${reader} does not allow; add it there.`)
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value) return value
  throw unresolved(ref, `is empty: the ${reader}'s environment has no variable ${name}.`)
}

async function fromFile(
  ref: SecretRef,
  name: string,
  { folder, reader }: { folder: string | null; reader: SecretReader },
): Promise<string> {
  if (!isAbsolute(name)) throw unresolved(ref, 'is no file of secrets; name one by its whole path.')
  if (folder === null) {
    throw unresolved(
      ref,
      `names a file, and this ${reader} reads none: CAPSTAN_SECRETS_FOLDER has to name the folder they may be in.`,
    )
  }
  let file: string
  let home: string
  try {
    // Links are followed first: what counts is where the file really is.
    file = await realpath(name)
    home = await realpath(folder)
  } catch (cause) {
    throw unresolved(ref, `cannot be read by the ${reader}.`, cause)
  }
  if (NO_SECRETS.test(file)) throw unresolved(ref, 'is no file of secrets, but a part of the system.')
  if (!file.startsWith(home + sep)) {
    throw unresolved(ref, `lies outside ${folder}, where this ${reader}'s secrets of databases are.`)
  }
  try {
    return (await readFile(file, 'utf8')).trimEnd()
  } catch (cause) {
    throw unresolved(ref, `cannot be read by the ${reader}.`, cause)
  }
}

function unresolved(ref: SecretRef, why: string, cause?: unknown): Failure {
  return failure('SECRET_UNRESOLVED', `Secret ${ref} ${why}`, { reference: ref }, { cause })
}

function split(ref: SecretRef): [string, string] {
  const colon = ref.indexOf(':')
  return [ref.slice(0, colon), ref.slice(colon + 1)]
}
