/** A copy of the compiled program with a guard taken out, and what proves that it is there if need be: what the matrix has to notice. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CLONE = join(__dirname, '../../..')

export interface Mutation {
  /** Under `dist`. */
  readonly file: string
  readonly find: string
  readonly put: string
}

/** The folder to run from; the caller removes it. Throws when the text is not there once: the guard has moved, and the mutation with it. */
export function mutant(...mutations: readonly Mutation[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-mutant-'))
  try {
    for (const part of ['dist', 'package.json', 'examples']) cpSync(join(CLONE, part), join(folder, part), { recursive: true })
    symlinkSync(join(CLONE, 'node_modules'), join(folder, 'node_modules'))
    for (const { file, find, put } of mutations) {
      const path = join(folder, 'dist', file)
      const parts = readFileSync(path, 'utf8').split(find)
      if (parts.length !== 2) throw new Error(`${file} holds "${find}" ${parts.length - 1} times, wanted once`)
      writeFileSync(path, parts.join(put))
    }
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}
