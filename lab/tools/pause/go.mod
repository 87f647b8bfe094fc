module meshops.mesh/lab/tools/pause

go 1.26.0
