/** The formats by name. */
import type { FileFormat } from '../types.ts';
import { JSON_FORMAT } from './json.ts';
import { TOML_FORMAT } from './toml.ts';
import type { TextFormat } from './tree.ts';
import { YAML_FORMAT } from './yaml.ts';

export const FORMATS: Readonly<Record<FileFormat, TextFormat>> = { json: JSON_FORMAT, toml: TOML_FORMAT, yaml: YAML_FORMAT };
