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
    for (const mutation of mutations) writeFileSync(join(folder, 'dist', mutation.file), textWithout(mutation, folder))
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** The compiled file as it would be. Throws as `mutant` does. */
export function textWithout({ file, find, put }: Mutation, folder = CLONE): string {
  const parts = readFileSync(join(folder, 'dist', file), 'utf8').split(find)
  if (parts.length !== 2) throw new Error(`${file} holds "${find}" ${parts.length - 1} times, wanted once`)
  return parts.join(put)
}
