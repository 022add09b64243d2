/** What the tests need beyond a run: every type checked (two compilers at a time), and a Temporal dev server at hand. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { phase } = require('./phase')
const { run } = require('./run')
const { plain } = require('./failure')
const { digest, digestOf } = require('./sources')
const { writeAtomic } = require('./compile')

const PROJECTS = ['tsconfig.json', 'workflows/tsconfig.json', 'test/tsconfig.json']

async function checkProject(root, project) {
  const info = path.join('dist', `.checked-${project.replace(/\W/g, '-')}.tsbuildinfo`)
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return await run(
    process.execPath,
    [tsc, '-p', project, '--noEmit', '--incremental', '--tsBuildInfoFile', info, '--pretty', 'false'],
    {
      cwd: root,
    },
  )
}

async function typeCheck(root, { code, tests }) {
  const stamp = path.join(root, 'dist', '.checked')
  const settings = ['tsconfig.base.json', 'package-lock.json', ...PROJECTS].map((name) => fs.readFileSync(path.join(root, name)))
  const want = digest(digestOf(code), digestOf(tests), ...settings)
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === want) return
  await phase('types checked', async () => {
    const [first, ...rest] = PROJECTS
    const results = await Promise.all([
      checkProject(root, first),
      (async () => {
        const outcomes = []
        for (const project of rest) outcomes.push(await checkProject(root, project))
        return outcomes
      })(),
    ])
    const failed = results.flat().filter(({ code: exit }) => exit !== 0)
    if (failed.length > 0) throw plain([...new Set(failed.flatMap(({ output }) => output.trim().split('\n')))].join('\n'), 70)
  })
  writeAtomic(stamp, want)
}

/** The embedded default knows where to find or build one; it shows its own progress and is silent when there is one. */
async function ensureTemporal(root) {
  const main = path.join(root, 'dist', 'embedded', 'main.js')
  if (!fs.existsSync(main)) return
  const { code } = await run(process.execPath, [main, 'temporal', '--quiet'], { cwd: root, show: true })
  if (code !== 0) throw plain('Without a Temporal dev server the tests cannot run.', code)
}

module.exports = { typeCheck, ensureTemporal }
