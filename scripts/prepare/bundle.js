/** dist/workflow-bundle.js: the workflows as Temporal's sandbox loads them. Built once here instead of in every worker's start. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { phase } = require('./phase')
const { digest, digestOf } = require('./sources')
const { writeAtomic } = require('./compile')

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: (message) => console.error(message) }

async function bundleWorkflows(root, { code }) {
  const entry = path.join(root, 'dist', 'workflows', 'index.js')
  if (!fs.existsSync(entry)) return
  const inside = Object.fromEntries(Object.entries(code).filter(([name]) => /^(workflows|contracts|activities)\//.test(name)))
  const want = digest(digestOf(inside), fs.readFileSync(path.join(root, 'package-lock.json')), fs.readFileSync(__filename))
  const bundle = path.join(root, 'dist', 'workflow-bundle.js')
  const stamp = path.join(root, 'dist', '.workflow-bundle')
  if (fs.existsSync(bundle) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === want) return
  await phase('workflow bundle', async () => {
    const { bundleWorkflowCode } = require(path.join(root, 'node_modules', '@temporalio', 'worker'))
    const interceptors = path.join(root, 'dist', 'workflows', 'interceptors.js')
    const { code: text } = await bundleWorkflowCode({
      workflowsPath: entry,
      workflowInterceptorModules: fs.existsSync(interceptors) ? [interceptors] : [],
      logger: quiet,
    })
    writeAtomic(bundle, text)
  })
  writeAtomic(stamp, want)
}

module.exports = { bundleWorkflows }
