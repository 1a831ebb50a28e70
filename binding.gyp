{
  "targets": [
    {
      "target_name": "multiproc",
      # Found, not listed, so that no file can be forgotten; scripts/build.mjs generates the makefiles
      # anew whenever the set of files changes.
      "sources": ["<!@(node scripts/list-native-sources.mjs)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      # Node's own defaults (which differ between its versions) go first, so that every build is the same.
      "cflags!": ["-O3", "-fno-omit-frame-pointer"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags": ["-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fvisibility-inlines-hidden"],
      # libstdc++ goes in, and what of it nobody calls comes out again: linked as a whole it asks for glibc 2.36.
      # libgcc_s stays outside, since it is there wherever Node runs, and a static one asks for glibc 2.35.
      "ldflags": ["-static-libstdc++", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections"],
    }
  ],
}
