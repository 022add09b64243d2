/** Writes what simulated RDS knows of the RDS API's service model, version 2014-10-31: `lab/aws/generated/`. Only the operations of
 *  lab/aws/operations/table.ts and what they reach. The source is the vendor's SDK, which the lab itself may not import: an emulator
 *  that shares code with its client shares its misreading.
 *
 *      node scripts/rds-model.js            writes the files
 *      node scripts/rds-model.js --print    their texts as one JSON object, by name: a test holds the committed ones equal */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { readModel } = require('./rds-model/read')
const { modelText, answersText } = require('./rds-model/write')

const LAB = path.resolve(__dirname, '..', 'lab', 'aws')

function actions() {
  const table = fs.readFileSync(path.join(LAB, 'operations', 'table.ts'), 'utf8')
  return [...table.matchAll(/^ {2}(\w+): \w+,$/gm)].map(([, action]) => action)
}

const model = readModel(actions())
const files = { 'model.ts': modelText(model), 'answers.ts': answersText(model) }
if (process.argv.includes('--print')) process.stdout.write(JSON.stringify(files))
else for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(LAB, 'generated', name), text)
