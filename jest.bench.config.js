/** Benchmarks: they print a table and promise nothing. `npm run bench`. */
module.exports = { ...require('./jest.config'), testMatch: ['**/*.bench.ts'], testTimeout: 300000, maxWorkers: 1 }
