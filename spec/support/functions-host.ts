import Module from 'node:module';
import type { HttpHandler } from '@azure/functions';
import sinon from 'sinon';

/** Where `@azure/functions` asks for the API of its host. */
const CORE_API = '@azure/functions-core';

interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** An Azure Functions host, as far as registration goes: it records what an application registers. */
export class FunctionsHost {
  readonly triggers: Record<string, object> = {};
  readonly handlers = new Map<string, HttpHandler>();
  readonly hooks: string[] = [];
  #require: sinon.SinonStub<[id: string]> | undefined;

  /** Answers `require('@azure/functions-core')`, as the Node.js worker of Azure Functions does, until `uninstall()`. */
  install(): void {
    this.#require = sinon.stub(Module.prototype, 'require').callThrough();
    this.#require.withArgs(CORE_API).returns(this.#coreApi());
  }

  uninstall(): void {
    this.#require?.restore();
  }

  #coreApi() {
    return {
      setProgrammingModel: () => undefined,
      registerFunction: ({ name, bindings }: FunctionMetadata, handler: HttpHandler) => {
        for (const { direction, type, methods, route, authLevel } of Object.values(bindings)) {
          if (direction === 'in') this.triggers[name] = { type, methods, route, authLevel };
        }
        this.handlers.set(name, handler);
      },
      registerHook: (name: string) => {
        this.hooks.push(name);
        return { dispose: () => undefined };
      },
    };
  }
}
