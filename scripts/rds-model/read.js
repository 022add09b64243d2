/** The SDK's schemas and declarations → the part of the service model that some operations reach. Whatever it has not met before is
 *  an error: nothing is guessed. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')
const sdk = require('@aws-sdk/client-rds')

const TYPES = path.resolve(path.dirname(require.resolve('@aws-sdk/client-rds')), '..', 'dist-types')

/** The SDK's numbers for kinds of schema and for scalars. */
const SIMPLE = 0
const LIST = 1
const STRUCTURE = 3
const OPERATION = 9
const ERROR = -3
const SCALARS = { 0: 'string', 1: 'integer', 2: 'boolean', 4: 'timestamp' }
const LIST_OF_SCALARS = 64

/** The SDK has one type for all numbers. These are no integers: service model, shapes Double and DoubleOptional. */
const DOUBLES = new Set([
  'DoubleRange.From',
  'DoubleRange.To',
  'LimitlessDatabase.MinRequiredACU',
  ...['MinIopsPerGib', 'MaxIopsPerGib'].map((name) => `AvailableAdditionalStorageVolumesOption.${name}`),
  ...['MinIopsPerGib', 'MaxIopsPerGib', 'MinStorageThroughputPerIops', 'MaxStorageThroughputPerIops'].map(
    (name) => `OrderableDBInstanceOption.${name}`,
  ),
  ...['ServerlessV2FeaturesSupport', 'ServerlessV2ScalingConfiguration', 'ServerlessV2ScalingConfigurationInfo'].flatMap(
    (shape) => [`${shape}.MinCapacity`, `${shape}.MaxCapacity`],
  ),
])

/** @returns {{operations: object, structures: object, lists: object, enumerations: object, errors: object}} */
function readModel(actions) {
  const model = { operations: {}, structures: {}, lists: {}, enumerations: {}, errors: {} }
  const known = declared()

  for (const action of actions) {
    const schema = sdk[`${action}$`]
    if (schema?.[0] !== OPERATION) throw new Error(`The SDK has no operation ${action}.`)
    const [, , , , input, output] = schema
    model.operations[action] = { input: nameOf(input()), output: nameOf(output()) }
    for (const error of errorsOf(action)) addError(error)
  }
  return model

  /** Null for a unit: nothing is asked, or nothing answered. */
  function nameOf(schema) {
    return schema[0] === STRUCTURE && schema[4].length > 0 ? addStructure(schema) : null
  }

  function addStructure([, , name, traits, members, types, requiredCount = 0]) {
    if (traits !== 0) throw new Error(`${name} has traits that are not known here.`)
    if (model.structures[name]) return name
    model.structures[name] = []
    // required members come first in the SDK's schemas
    for (const [index, member] of members.entries()) {
      const type = typeOf(types[index], `${name}.${member}`)
      model.structures[name].push({ name: member, type, required: index < requiredCount })
    }
    return name
  }

  function typeOf(given, place) {
    if (Array.isArray(given) && typeof given[0] === 'function' && given.length === 2) return typeOf(bare(given, place), place)
    if (typeof given === 'function') return typeOf(given(), place)
    if (typeof given === 'number') return given & LIST_OF_SCALARS ? addListOfScalars(given, place) : scalarOf(given, place)
    const [kind] = given
    if (kind === STRUCTURE) return addStructure(given)
    if (kind === LIST) return addList(given, place)
    // a string with a trait of its own, such as a password
    if (kind === SIMPLE) return scalarOf(given[4], place)
    throw new Error(`${place} is of a kind that is not known here: ${kind}.`)
  }

  /** The traits of a member could give it another name on the wire. */
  function bare([type, traits], place) {
    if (traits !== 0) throw new Error(`${place} has traits that are not known here: ${JSON.stringify(traits)}.`)
    return type
  }

  function scalarOf(number, place) {
    const enumeration = known.enumerated.get(place)
    if (enumeration !== undefined) {
      model.enumerations[enumeration] = known.enumerations.get(enumeration)
      return enumeration
    }
    if (DOUBLES.has(place)) return 'double'
    if (SCALARS[number] === undefined) throw new Error(`${place} is of a type that is not known here: ${number}.`)
    return SCALARS[number]
  }

  function addListOfScalars(number, place) {
    const type = scalarOf(number & ~LIST_OF_SCALARS, place)
    const name = `${type === 'string' ? 'String' : type}Members`
    model.lists[name] = { item: 'member', type }
    return name
  }

  function addList([, , name, , inner], place) {
    if (model.lists[name]) return name
    const [type, traits] = Array.isArray(inner) && inner.length === 2 ? inner : [inner, {}]
    const { xmlName: item = 'member', ...others } = traits === 0 ? {} : traits
    if (Object.keys(others).length > 0) throw new Error(`${name} has traits that are not known here.`)
    model.lists[name] = { item, type: null }
    model.lists[name].type = typeOf(type, place)
    return name
  }

  function addError(name) {
    const schema = sdk[`${name}$`]
    if (schema?.[0] !== ERROR) throw new Error(`The SDK has no error ${name}.`)
    const [code, status] = schema[3].awsQueryError
    model.errors[code] = { status, class: schema[2] }
  }
}

/** Those that the SDK's page of the operation lists; its base class stands for all others. */
function errorsOf(action) {
  const page = fs.readFileSync(path.join(TYPES, 'commands', `${action}Command.d.ts`), 'utf8')
  return [...page.matchAll(/@throws \{@link (\w+)\}/g)].map(([, name]) => name).filter((name) => name !== 'RDSServiceException')
}

/** Enumerations are strings in the schemas; which member has one stands in the declarations alone. */
function declared() {
  const enumerations = new Map()
  for (const statement of statements('enums.d.ts')) {
    if (!ts.isVariableStatement(statement)) continue
    const [{ name, type }] = statement.declarationList.declarations
    const values = type.members.map((member) => member.type.literal.text)
    enumerations.set(name.text, values)
  }
  const enumerated = new Map()
  for (const statement of [...statements('models_0.d.ts'), ...statements('models_1.d.ts')]) {
    if (!ts.isInterfaceDeclaration(statement)) continue
    for (const member of statement.members) {
      const [name] = (member.type.getText().match(/\w+/g) ?? []).filter((word) => enumerations.has(word))
      if (name !== undefined) enumerated.set(`${statement.name.text}.${member.name.text}`, name)
    }
  }
  return { enumerations, enumerated }
}

function statements(file) {
  const text = fs.readFileSync(path.join(TYPES, 'models', file), 'utf8')
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements
}

module.exports = { readModel }
