// The compiler accepts an upcoming feature that it does not know, misspelt ones included, in silence. Every target gets
// the same list from Package.swift; this file does not compile when one of them had no effect.

#if !hasFeature(ExistentialAny)
    #error("ExistentialAny is misspelt in Package.swift")
#endif
#if !hasFeature(InternalImportsByDefault)
    #error("InternalImportsByDefault is misspelt in Package.swift")
#endif
#if !hasFeature(MemberImportVisibility)
    #error("MemberImportVisibility is misspelt in Package.swift")
#endif
#if !hasFeature(NonisolatedNonsendingByDefault)
    #error("NonisolatedNonsendingByDefault is misspelt in Package.swift")
#endif
#if !hasFeature(InferIsolatedConformances)
    #error("InferIsolatedConformances is misspelt in Package.swift")
#endif
