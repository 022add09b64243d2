/** The model → TypeScript: tables for the parser and the renderer, and types for whoever writes an answer. */
'use strict'

const HEADER = '/** Made by scripts/rds-model.js from @aws-sdk/client-rds. Run it again instead of editing. */\n'
const SCALARS = { string: 'string', integer: 'number', double: 'number', boolean: 'boolean', timestamp: 'string' }

function modelText({ operations, structures, lists, enumerations, errors }) {
  const member = ({ name, type, required }) => `${name}${required ? '!' : ''}${type === 'string' ? '' : `:${type}`}`
  return (
    HEADER +
    table('MODEL_OPERATIONS', 'Action → [input, output]; null for none.', operations, ({ input, output }) => [input, output]) +
    table(
      'MODEL_STRUCTURES',
      'Members in order: `Name`, `Name!` when required, `Name:Type` unless a string.',
      structures,
      (members) => members.map(member).join(' '),
    ) +
    table('MODEL_LISTS', '[element of each item, its type].', lists, ({ item, type }) => [item, type]) +
    table('MODEL_ENUMERATIONS', 'The values that there are.', enumerations, (values) => values) +
    table('MODEL_ERRORS', 'Code on the wire → [HTTP status, class in the SDK].', errors, (error) => [error.status, error.class])
  )
}

function table(name, comment, entries, value) {
  const lines = sorted(entries).map(([entry, content]) => `  ${entry}: ${literal(value(content))},\n`)
  return `\n/** ${comment} */\nexport const ${name} = {\n${lines.join('')}} as const\n`
}

function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  return typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : String(value)
}

/** Only what answers hold: a request is read by name. */
function answersText(model) {
  const reached = new Set()
  const reach = (type) => {
    if (reached.has(type) || SCALARS[type]) return
    reached.add(type)
    for (const member of model.structures[type] ?? []) reach(member.type)
    if (model.lists[type]) reach(model.lists[type].type)
  }
  for (const { output } of Object.values(model.operations)) if (output !== null) reach(output)
  const typeText = (type) => {
    if (SCALARS[type]) return SCALARS[type]
    return model.lists[type] ? `readonly ${typeText(model.lists[type].type)}[]` : type
  }
  const structures = sorted(model.structures)
    .filter(([name]) => reached.has(name))
    .map(([name, members]) => {
      const lines = members.map((member) => `  readonly ${member.name}?: ${typeText(member.type)} | Absent\n`)
      return `\nexport type ${name} = {\n${lines.join('')}}\n`
    })
  const enumerations = sorted(model.enumerations)
    .filter(([name]) => reached.has(name))
    .map(([name, values]) => `\nexport type ${name} = ${values.map(literal).join(' | ')}\n`)
  const answers = sorted(model.operations).map(([action, { output }]) => `  readonly ${action}: ${output ?? 'undefined'}\n`)
  return [
    HEADER,
    '\n/** Left out of the answer: RDS leaves out what does not exist yet. */\ntype Absent = null | undefined\n',
    ...structures,
    ...enumerations,
    `\n/** Action → the content of its result. */\nexport interface Answers {\n${answers.join('')}}\n`,
  ].join('')
}

function sorted(entries) {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))
}

module.exports = { modelText, answersText }
