module meshops.mesh/lab/tools/shop

go 1.26.0
