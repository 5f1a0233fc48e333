// internals.js: functions of a producer for the files of lib/ only. producer.js fills them in.
//
//   handleOf(producer)            the addon's handle; undefined where it is no Producer
//   busOf(producer)               its bus's name as it was given; undefined: the default one
//   report(producer, errno, what[, why]) tells onError; `why` in place of the error's own words
//   pass(producer, why)           counts a call that is not measured, and tells onError of the first such
//   sayOnce(producer, what, why)  tells onError, the first time
//   drop(producer, errno, what)   tells onError, and counts a sample as dropped
//   end(producer, status, ...)    publishes a request whose figures are set
'use strict'

module.exports = {}
