/** Benchmarks: they print a table and promise nothing. On the disk that users have. `npm run bench`. */
module.exports = { ...require('./jest.base'), testMatch: ['**/*.bench.ts'], testTimeout: 300000, maxWorkers: 1 }
