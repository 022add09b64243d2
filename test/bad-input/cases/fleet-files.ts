/** The fleet file as a file: there, readable, YAML, and one fleet. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'
import { instead, type World } from '../support/world'

const WRONG = { exit: 2, code: 'FLEET_FILE_INVALID' } as const
const MISSING = { exit: 2, code: 'FLEET_FILE_MISSING' } as const

const check = (file: string) => ({ args: ['fleet', 'check', '--fleet', file] })
const text = (content: string | Buffer) => (world: World) => check(world.file('fleet.yaml', content))
const changed = (piece: string, replacement: string) => (world: World) => check(world.fleet(instead(piece, replacement)))

/** 9^9 values from nine lines. */
const BOMB = `version: 1\na: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n${[...'bcdefghi']
  .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`)
  .join('\n')}\ndatabases: *i\n`

export const FLEET_FILES: readonly BadInput[] = [
  { title: 'no fleet file is known', ...MISSING, names: '--fleet', given: () => ({ args: ['fleet', 'check'] }) },
  {
    title: 'a file that is not there',
    ...MISSING,
    names: 'nowhere.yaml',
    given: ({ folder }) => check(join(folder, 'nowhere.yaml')),
  },
  { title: 'a folder', ...MISSING, names: 'folder', given: ({ folder }) => check(folder) },
  {
    title: 'a path through a file',
    ...MISSING,
    names: 'fleet.yaml/x.yaml',
    given: (world) => check(join(world.fleet(), 'x.yaml')),
  },
  { title: 'a path with a NUL', ...MISSING, names: '\\u{0}', given: ({ folder }) => check(`${folder}/a\0b.yaml`) },
  { title: 'an empty path', ...MISSING, names: '--fleet', given: () => check('') },
  {
    title: 'a file name that writes to the terminal',
    ...MISSING,
    names: '\\u{1b}',
    given: ({ folder }) => check(join(folder, `${HOSTILE}.yaml`)),
  },
  {
    title: 'a wrong file with such a name',
    ...WRONG,
    names: '\\u{1b}',
    given: (world) => check(world.file(`${HOSTILE}.yaml`, 'version: 2\ndatabases: []\n')),
  },
  { title: 'an empty file', ...WRONG, names: 'empty', given: text('') },
  { title: 'only comments', ...WRONG, names: 'empty', given: text('# nothing yet\n') },
  { title: 'no mapping', ...WRONG, names: 'the file', given: text('just words\n') },
  { title: 'a list', ...WRONG, names: 'the file', given: text('- shop\n') },
  { title: 'not UTF-8', ...WRONG, names: 'UTF-8', given: text(Buffer.from([0x76, 0xff, 0xfe, 0x31])) },
  { title: 'UTF-16', ...WRONG, names: 'UTF-8', given: text(Buffer.from('\ufeffversion: 1\n', 'utf16le')) },
  { title: 'a NUL', ...WRONG, names: 'version', given: text('version: 1\0\ndatabases: []\n') },
  { title: 'JSON that breaks off', ...WRONG, names: '1:', given: text('{"version": 1, "databases": [') },
  { title: 'tabs', ...WRONG, names: 'tab', given: text('version: 1\ndatabases:\n\t- name: shop\n') },
  {
    title: 'an indentation that fits nothing',
    ...WRONG,
    names: 'indented',
    given: changed('    cloud: aws', '   cloud: aws'),
  },
  { title: 'a quote that never ends', ...WRONG, names: 'quote', given: changed('name: shop', 'name: "shop'), problems: 1 },
  {
    title: 'a field given twice',
    ...WRONG,
    names: ':7:5:',
    given: changed('region: eu-central-1', 'region: eu-central-1\n    region: us-east-1'),
  },
  { title: 'an alias without its anchor', ...WRONG, names: 'alias', given: changed('name: shop', 'name: *shop') },
  {
    title: 'a secret by value that looks like an alias',
    ...WRONG,
    names: 'alias',
    given: changed('secret: "env:SHOP_MIGRATOR"', `secret: *${SECRET}`),
  },
  { title: 'a bomb of aliases', ...WRONG, names: 'alias', given: text(BOMB) },
  { title: 'a mapping that contains itself', ...WRONG, names: 'databases', given: text('version: 1\ndatabases: &d [*d]\n') },
  {
    title: 'two documents',
    ...WRONG,
    names: 'second',
    given: text('version: 1\ndatabases: []\n---\nversion: 1\ndatabases: []\n'),
  },
  {
    title: 'a tag of another language',
    ...WRONG,
    names: 'tag',
    given: changed('name: shop', 'name: !!python/object:os.system shop'),
  },
  { title: 'version 2', ...WRONG, names: 'version', given: changed('version: 1', 'version: 2') },
  { title: 'a version in quotes', ...WRONG, names: 'version', given: changed('version: 1', 'version: "1"') },
  { title: 'no version', ...WRONG, names: 'version', given: changed('version: 1\n', '') },
  {
    title: 'an unknown field',
    ...WRONG,
    names: 'did you mean databases?',
    given: text('version: 1\ndatabses: []\n'),
    problems: 2,
  },
  { title: 'databases as a mapping', ...WRONG, names: 'databases', given: text('version: 1\ndatabases: { shop: {} }\n') },
  {
    title: 'a database as a word',
    ...WRONG,
    names: 'databases[0]',
    given: text('version: 1\ndatabases: [shop]\n'),
  },
  {
    title: 'a migrations folder that is not there',
    exit: 2,
    code: 'MIGRATIONS_MISSING',
    names: 'elsewhere',
    given: changed('migrations: migrations', 'migrations: elsewhere'),
  },
  {
    title: 'a migrations folder that is a file',
    exit: 2,
    code: 'MIGRATIONS_MISSING',
    names: 'fleet.yaml',
    given: changed('migrations: migrations', 'migrations: fleet.yaml'),
  },
  {
    title: 'a migrations folder without migrations',
    exit: 2,
    code: 'MIGRATIONS_MISSING',
    names: 'V1__',
    given(world) {
      mkdirSync(join(world.folder, 'none'))
      return check(world.fleet(instead('migrations: migrations', 'migrations: none')))
    },
  },
]
