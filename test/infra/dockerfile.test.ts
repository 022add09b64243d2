/** The image's recipe, read: no container engine is needed. That what it puts together runs is proved by native.crash.ts. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './compose'
import { copies, imageEnvironment, readDockerfile } from './dockerfile'

const instructions = readDockerfile()
const of = (name: string) => instructions.filter((instruction) => instruction.name === name)
const last = (name: string) => of(name).filter(({ stage }) => stage === '')

test('the image runs as a numbered user that is not root, to the end', () => {
  expect(last('USER').map(({ text }) => text)).toEqual(['10001:10001'])
  const names = instructions.filter(({ stage }) => stage === '').map(({ name }) => name)
  expect(names.slice(names.indexOf('USER'))).not.toContain('COPY')
})

test('it is a slim Debian of an exact Node version, the same in every stage', () => {
  expect(of('ARG').find(({ stage }) => stage === null)?.text).toMatch(/^NODE_IMAGE=node:\d+\.\d+\.\d+-\w+-slim$/)
  for (const { text } of of('FROM')) expect(text).toMatch(/^\$\{NODE_IMAGE\}/)
})

test('nothing is fetched by address, and nothing installed that the lock does not name', () => {
  expect(of('ADD')).toEqual([])
  for (const { text } of of('RUN')) {
    expect(text).not.toMatch(/curl|wget|https?:|npm (install|i)\b|apt-get/)
    if (text.includes('npm')) expect(text).toMatch(/^npm ci .*--ignore-scripts/)
  }
})

test('what runs is installed without what only developing needs', () => {
  expect(of('RUN').find(({ stage }) => stage === 'dependencies')?.text).toContain('--omit=dev')
  expect(copies('').find(({ target }) => target === 'node_modules')?.from).toBe('dependencies')
})

test('no secret is built in', () => {
  for (const { name, text } of instructions) {
    if (name === 'ENV' || name === 'ARG') expect(text).not.toMatch(/PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL|LEDGER_URL/i)
  }
})

test.each(['', 'build', 'dependencies'])('all that stage "%s" copies from the repository is in git, and let through', (stage) => {
  const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const sources = copies(stage)
    .filter(({ from }) => from === null)
    .flatMap((copy) => copy.sources)
  expect(sources).not.toEqual([])
  for (const source of sources) {
    expect(allowed).toContain(source)
    expect(execFileSync('git', ['ls-files', '--', source], { cwd: ROOT, encoding: 'utf8' })).not.toBe('')
  }
})

test('all that is let through to the builder exists', () => {
  const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  for (const line of ignore) if (line.startsWith('!')) expect(existsSync(join(ROOT, line.slice(1)))).toBe(true)
})

test('every room that is compiled is copied', () => {
  const rooms = compiledRooms()
  const sources = copies('build').flatMap((copy) => copy.sources)
  for (const room of rooms) expect(sources).toContain(room)
})

test('it says what it is, how it is asked for its health, and how it is stopped', () => {
  for (const label of ['title', 'description', 'licenses', 'version', 'revision']) {
    expect(last('LABEL')[0]?.text).toContain(`org.opencontainers.image.${label}=`)
  }
  expect(last('HEALTHCHECK')[0]?.text).toContain('"/app/dist/workers/health-check.js"')
  expect(last('STOPSIGNAL')[0]?.text).toBe('SIGTERM')
  expect(imageEnvironment()).toMatchObject({ NODE_ENV: 'production', CAPSTAN_HEALTH_FILE: '/tmp/health.json' })
})

test('its version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(last('ARG').map(({ text }) => text)).toContain(`VERSION=${version}`)
  expect(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')).toContain(`capstan:${version}}`)
})

/** As scripts/prepare compiles them. */
function compiledRooms(): string[] {
  const text = readFileSync(join(ROOT, 'scripts/prepare/sources.js'), 'utf8')
  const listed = /const ROOMS = \[([^\]]*)\]/.exec(text)?.[1] ?? ''
  return [...listed.matchAll(/'(\w+)'/g)].map(([, room = '']) => room)
}
