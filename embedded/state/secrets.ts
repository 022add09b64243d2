/** Passwords and keys of this clone's embedded default, made once, readable by their owner alone. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const LENGTHS = { secretKey: 32, ledgerPassword: 18, shopAdmin: 18, shopMigrator: 18, shopApp: 18 } as const
export type Secrets = Readonly<Record<keyof typeof LENGTHS, string>>

/** Hexadecimal, so that they need no quoting anywhere. A secret that a newer version adds is made on the next start. */
export function readOrMakeSecrets(file: string): Secrets {
  const known = readSecrets(file)
  const entries = Object.entries(LENGTHS).map(([name, bytes]) => [name, known[name] ?? randomBytes(bytes).toString('hex')])
  const secrets = Object.fromEntries(entries) as Secrets
  writeFileSync(file, `${JSON.stringify(secrets)}\n`, { mode: 0o600 })
  return secrets
}

function readSecrets(file: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  } catch {
    return {}
  }
}
