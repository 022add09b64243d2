/** Migrations and fleet files in a folder of their own, for one test file. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface CliFiles {
  readonly folder: string
  /** A new folder of migrations. */
  migrationsFolder(files: Record<string, string>): string
  /** A new fleet file: the example, with the migrations of its shop in this folder. */
  fleetFile(migrations: string): string
  remove(): void
}

export const FLEET_EXAMPLE = join(__dirname, 'fleet-example.yaml')

export function cliFiles(): CliFiles {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-cli-'))
  let made = 0
  return {
    folder,
    migrationsFolder(files) {
      const path = join(folder, `migrations-${++made}`)
      mkdirSync(path)
      for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
      return path
    },
    fleetFile(migrations) {
      const file = join(folder, `fleet-${++made}.yaml`)
      const example = readFileSync(FLEET_EXAMPLE, 'utf8')
      writeFileSync(file, example.replace('migrations: migrations', `migrations: ${migrations}`))
      return file
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
