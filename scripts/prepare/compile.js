/** TypeScript → dist/, file by file: `isolatedModules` promises that this equals a whole compilation, and it takes a second
 *  instead of ten. Types are checked by `--check`. Only changed files are written, files whose source is gone are removed. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { phase } = require('./phase')
const { plain } = require('./failure')
const { readSources, digest } = require('./sources')

const RECORD = 'dist/.compiled.json'

function readRecord(root) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, RECORD), 'utf8'))
  } catch {
    return { tool: '', files: {} }
  }
}

/** What else decides the output: the compiler, its settings and this file. */
function toolDigest(root) {
  const read = (name) => fs.readFileSync(path.join(root, name))
  return digest(read('tsconfig.base.json'), read('node_modules/typescript/package.json'), fs.readFileSync(__filename))
}

const output = (root, name) => path.join(root, 'dist', name.replace(/\.ts$/, '.js'))

function writeAtomic(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(`${file}.tmp`, text)
  fs.renameSync(`${file}.tmp`, file)
}

function transpiler(root) {
  const ts = require(path.join(root, 'node_modules', 'typescript'))
  const config = ts.readConfigFile(path.join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.config.compilerOptions, root)
  return (name) => {
    const source = fs.readFileSync(path.join(root, name), 'utf8')
    const result = ts.transpileModule(source, {
      fileName: path.join(root, name),
      compilerOptions: options,
      reportDiagnostics: true,
    })
    if (result.diagnostics.length > 0) {
      const host = { getCanonicalFileName: (file) => file, getCurrentDirectory: () => root, getNewLine: () => '\n' }
      throw plain(`The sources do not compile:\n${ts.formatDiagnostics(result.diagnostics, host)}`, 70)
    }
    writeAtomic(`${output(root, name)}.map`, result.sourceMapText)
    writeAtomic(output(root, name), result.outputText)
  }
}

/** Resolves to the sources that dist/ now stands for. */
async function compile(root) {
  const sources = readSources(root)
  const record = readRecord(root)
  const tool = toolDigest(root)
  const known = record.tool === tool ? record.files : {}
  const now = { ...sources.code, ...sources.carried }
  const changed = Object.keys(now).filter((name) => known[name] !== now[name] || !fs.existsSync(output(root, name)))
  const gone = Object.keys(record.files).filter((name) => now[name] === undefined)
  if (changed.length === 0 && gone.length === 0) return sources
  await phase(`compiled ${changed.length} files`, async () => {
    for (const name of gone) {
      fs.rmSync(output(root, name), { force: true })
      fs.rmSync(`${output(root, name)}.map`, { force: true })
    }
    const transpile = changed.some((name) => name.endsWith('.ts')) ? transpiler(root) : () => undefined
    for (const name of changed) {
      if (name.endsWith('.ts')) transpile(name)
      else writeAtomic(output(root, name), fs.readFileSync(path.join(root, name)))
    }
  })
  writeAtomic(path.join(root, RECORD), JSON.stringify({ tool, files: now }))
  return sources
}

module.exports = { compile, writeAtomic }
