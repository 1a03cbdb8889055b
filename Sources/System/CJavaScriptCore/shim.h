#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>

// Exported by the library, and in no header: the limit on the processor time of one entry into the engine.
typedef bool (*JSShouldTerminateCallback)(JSContextRef context, void *info);
void JSContextGroupSetExecutionTimeLimit(JSContextGroupRef group, double limit, JSShouldTerminateCallback, void *info);
void JSContextGroupClearExecutionTimeLimit(JSContextGroupRef group);
// What is called with a promise that was rejected while nobody waited for it, and the reason.
void JSGlobalContextSetUnhandledRejectionCallback(JSGlobalContextRef context, JSObjectRef function, JSValueRef *exception);
// Collects before it returns; `JSGarbageCollect` only asks for it.
void JSSynchronousGarbageCollectForDebugging(JSContextRef context);
