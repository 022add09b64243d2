import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CliContext } from '../../client/cli/context'
import { createProgram } from '../../client/cli/program'
import { VIGILANCE } from '../../client/health-watch'
import { capstan } from './recorded-io'

const io = { colour: false, columns: () => 120 } as CliContext['io']

/** Every command that does something, with the words that call it. */
function commands(group: Command, words: readonly string[] = []): { words: readonly string[]; command: Command }[] {
  if (group.commands.length === 0) return [{ words, command: group }]
  return group.commands.flatMap((command) => commands(command, [...words, command.name()]))
}
const all = commands(createProgram(new CliContext(io, {}, VIGILANCE)))
const outsideTheLab = all
  .filter(({ words }) => words[0] !== 'lab')
  .map(({ words, command }) => ({ name: words.join(' '), words, command }))

test('there are all the commands that are promised', () => {
  const names = outsideTheLab.map(({ name }) => name)
  for (const verb of ['list', 'show', 'watch', 'approve', 'reject', 'abort', 'resolve', 'evidence'])
    expect(names).toContain(`ops ${verb}`)
  expect(names).toEqual(expect.arrayContaining(['up', 'down', 'status', 'reset', 'migrate', 'fleet list', 'migrations apply']))
})

test.each(outsideTheLab)('$name has --json, and --help with an example of itself', async ({ name, words, command }) => {
  expect(command.options.map(({ long }) => long)).toContain('--json')
  expect(command.description()).toMatch(/^[A-Z].*\.$/)
  const { exit, out } = await capstan([...words, '--help'])
  expect(exit).toBe(0)
  const [, examples = ''] = out.split(/\nExamples?:\n/)
  const shortened = name.replace(/ (take|copy)$/, '')
  expect(examples).toMatch(new RegExp(`^ {2}\\$ capstan ${shortened}`, 'm'))
})

describe('the embedded default', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-commands-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  function run(args: readonly string[], state: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const env = { ...process.env, CAPSTAN_STATE_DIR: state }
    return new Promise((done) => {
      execFile(process.execPath, [join(__dirname, '../../bin/capstan.js'), ...args], { env }, (error, stdout, stderr) =>
        done({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
  }

  test.each(['down', 'reset', 'status'])('%s --json is one document: what runs now', async (command) => {
    const state = join(folder, 'nothing')
    const { code, stdout } = await run([command, '--json'], state)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, running: false, stateDir: state, processes: [] })
  })

  test('a folder of others is refused in the same form', async () => {
    writeFileSync(join(folder, 'letter.txt'), 'dear')
    const { code, stdout, stderr } = await run(['reset', '--json'], folder)
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, error: { code: 'FOLDER_NOT_OURS' } })
  })

  test('up --json in the foreground, or with an option nobody knows, is told in one sentence', async () => {
    expect(await capstan(['up', '--json'])).toMatchObject({ exit: 2, json: { error: { code: 'OPTION_INVALID' } } })
    expect(await capstan(['up', '--detatch'])).toMatchObject({ exit: 2, err: expect.stringContaining('did you mean --detach?') })
  })
})
