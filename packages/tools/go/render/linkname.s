// Functions without a body, in windows.go, need a file of this kind in the package.
