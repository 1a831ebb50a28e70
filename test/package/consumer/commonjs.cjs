'use strict';
const multiproc = require('multiproc');
const scenario = require('./scenario.cjs');

void scenario(multiproc, __filename);
