import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './documents.js';

/** The types that an entry point exports, wherever they are declared. */
export class PublicTypes {
  readonly #checker: ts.TypeChecker;
  readonly #exported: ReadonlyMap<string, ts.Symbol>;

  constructor(entryPoint: string) {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const program = ts.createProgram([join(ROOT, entryPoint)], options);
    this.#checker = program.getTypeChecker();
    const source = program.getSourceFile(join(ROOT, entryPoint));
    const module = source && this.#checker.getSymbolAtLocation(source);
    const exported = module ? this.#checker.getExportsOfModule(module) : [];
    this.#exported = new Map(exported.map((symbol) => [symbol.name, symbol]));
  }

  /** The names of the properties of a type. */
  propertiesOf(name: string): string[] {
    return this.#typeOf(name)
      .getProperties()
      .map((property) => property.name);
  }

  /** The members of a union of strings. */
  valuesOf(name: string): string[] {
    const type = this.#typeOf(name);
    return (type.isUnion() ? type.types : [type]).flatMap((member) =>
      member.isStringLiteral() ? [member.value] : [],
    );
  }

  #typeOf(name: string): ts.Type {
    const symbol = this.#exported.get(name);
    if (!symbol) throw new Error(`${name} is not exported`);
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    return this.#checker.getDeclaredTypeOfSymbol(isAlias ? this.#checker.getAliasedSymbol(symbol) : symbol);
  }
}
