/** What servers of each version said of their parameters when they were new, kept in the cloud's folder: it can be asked for also
 *  while no server runs. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresMajor } from '../../pgserver/binaries'
import { type FlexibleParameters, parametersOf, type SettingRow } from './parameters'

export class ParameterBook {
  readonly #known = new Map<PostgresMajor, FlexibleParameters>()

  constructor(private readonly folder: string) {}

  /** @throws Error before any server of that version was made. */
  async of(major: PostgresMajor): Promise<FlexibleParameters> {
    const known = this.#known.get(major) ?? parametersOf(JSON.parse(await readFile(this.#file(major), 'utf8')) as SettingRow[])
    this.#known.set(major, known)
    return known
  }

  /** `ask` is asked once for each version. A file is there as a whole or not at all. */
  async learn(major: PostgresMajor, ask: () => Promise<readonly SettingRow[]>): Promise<void> {
    const file = this.#file(major)
    if (existsSync(file)) return
    const next = `${file}.next-${process.pid}-${Date.now()}`
    await writeFile(next, JSON.stringify(await ask()), { mode: 0o600 })
    await rename(next, file)
  }

  #file(major: PostgresMajor): string {
    return join(this.folder, `parameters-${major}.json`)
  }
}
